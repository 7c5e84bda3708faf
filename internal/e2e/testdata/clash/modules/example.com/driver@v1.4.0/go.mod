module example.com/driver

go 1.26.0

require (
	example.com/sql v0.3.0
	github.com/roster-go/roster v0.0.0
)
