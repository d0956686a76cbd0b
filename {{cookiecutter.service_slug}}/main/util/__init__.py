"""What any service needs: one idea a module, nothing of this service's own rules."""
