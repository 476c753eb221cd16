"""What the receiver of a referral does about it: who works on it, and what has been done."""
