"""What an actor is: its life, mailbox, name, answers, and the world it runs in."""
