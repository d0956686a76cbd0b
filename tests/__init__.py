"""What the template promises, tested on real renders."""
