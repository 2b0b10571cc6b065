"""The pages of the dashboard: each file has PARTS, its pages and actions."""
