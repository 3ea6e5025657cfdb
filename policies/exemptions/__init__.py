"""What a rule may let pass, for which resource, why, who answers for it and until when."""
