"""The OIDC issuer: what Cognito, or Auth0, is in the cloud."""
