"""SpiraConvV2: the network of Casanova et al. (ACL 2021), its features, its windows."""
