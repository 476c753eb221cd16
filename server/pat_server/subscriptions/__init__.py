"""What people wait for: told over WebSockets and streams as soon as it happens."""
