"""The ground and the front door of the screening programme platform."""
