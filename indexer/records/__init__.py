"""The rows that the rules write and the store keeps, and the journal that collects them."""
