// Command slowmain reaches main, which takes its time.
package main

import (
	"os"
	"time"

	"github.com/roster-go/roster/initwatch/testdata/hang/slowmain/dep"
)

func main() {
	println("main was here", len(dep.Table))
	if len(os.Args) > 1 {
		d, err := time.ParseDuration(os.Args[1])
		if err != nil {
			panic(err)
		}
		time.Sleep(d)
	}
	os.Exit(3)
}
