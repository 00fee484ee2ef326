"""What the project is made and described with; no part of what is installed."""
