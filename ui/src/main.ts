import { mount } from "svelte";

import "./styles/tokens.css";
import "./styles/elements.css";
import { App } from "./app/app.svelte.ts";
import Root from "./app/Root.svelte";

const target = document.getElementById("app");
if (target === null) throw new Error("index.html has no #app");
const app = new App();
app.open(); // what it waits for goes on while the screen is drawn
mount(Root, { target, props: { app } });
