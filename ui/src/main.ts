import { mount } from "svelte";

import "./styles/tokens.css";
import "./styles/elements.css";
import { App } from "./app/app.svelte.ts";
import Root from "./app/Root.svelte";

const target = document.getElementById("app");
if (target === null) throw new Error("index.html has no #app");
const app = new App();
mount(Root, { target, props: { app } });
app.open();
