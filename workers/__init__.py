"""The Workers in service: which versions answer, how they answer, and one of before put back."""
