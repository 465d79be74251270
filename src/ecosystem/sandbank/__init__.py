"""A bank to try things on: another company's program, with its own files, clock and address.

It takes files of payments at its windows, settles them, returns some, and puts out acknowledgements, returns and
statements. Who it is for reaches it by the files alone, over a shared folder or SFTP.
"""
