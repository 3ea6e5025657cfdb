"""The run of the tests itself: its folder, its ports, its order, and that it leaves nothing behind."""
