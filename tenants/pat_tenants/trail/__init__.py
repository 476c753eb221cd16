"""The trail as it is read: by an organisation, by whoever audits the network, and by a survivor."""
