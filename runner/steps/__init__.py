"""What each step of a plan does. One module an operation; none calls another step."""
