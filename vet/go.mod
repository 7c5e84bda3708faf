module github.com/roster-go/roster/vet

go 1.26.0

require (
	github.com/golangci/plugin-module-register v0.1.2
	github.com/roster-go/roster v0.0.0
	golang.org/x/tools v0.51.0
)

require (
	golang.org/x/mod v0.41.0 // indirect
	golang.org/x/sync v0.23.0 // indirect
)

replace github.com/roster-go/roster => ../
