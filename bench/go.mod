module github.com/roster-go/roster/bench

go 1.26.0

require github.com/roster-go/roster v0.0.0

require github.com/puzpuzpuz/xsync/v4 v4.5.0

replace github.com/roster-go/roster => ../
