module github.com/roster-go/roster

go 1.26.0
