package system

# What `POST /` answers.
main := data.tickets.decision
