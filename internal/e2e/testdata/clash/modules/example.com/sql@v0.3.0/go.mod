module example.com/sql

go 1.26.0

require github.com/roster-go/roster v0.0.0
