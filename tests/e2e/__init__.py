"""The real command as a process, on the real sandbox as a process, over TLS, with the real msal."""
