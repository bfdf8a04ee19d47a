"""`make talk`: ask the toy spoken questions and hear what comes out of its speaker."""
