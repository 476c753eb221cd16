"""The issuer: sign-in for partners' clients, by OAuth 2.1 and OpenID Connect. It knows no web framework."""
