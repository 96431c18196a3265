"""Many visitors at once: ``python -m tests.load --visitors 20`` serves the dashboard, visits it and prints who got what when."""
