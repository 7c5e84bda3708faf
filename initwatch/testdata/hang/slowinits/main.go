// Command slowinits reaches main after many inits that each take a while.
package main

import (
	"time"

	_ "github.com/roster-go/roster/initwatch/testdata/hang/slowinits/a" // takes a second
	_ "github.com/roster-go/roster/initwatch/testdata/hang/slowinits/b" // takes a second
	_ "github.com/roster-go/roster/initwatch/testdata/hang/slowinits/c" // takes a second
	_ "github.com/roster-go/roster/initwatch/testdata/hang/slowinits/d" // takes a second
)

func main() { time.Sleep(time.Hour) }
