"""The processes of the program: what each does at its start and end, and who watches over them."""
