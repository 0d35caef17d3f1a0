"""What an engineer would try before a network: a table with interpolation, and a polynomial, each as C."""
