"""Connected services: who has, wants, uses and pays for them; remote commands, and attacks on them."""
