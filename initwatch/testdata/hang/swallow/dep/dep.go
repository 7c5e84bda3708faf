// Package dep waits in a program that swallows SIGQUIT.
package dep

import _ "github.com/roster-go/roster/initwatch/testdata/hang/swallow/notify" // takes the signal

var done = make(chan int)

func init() {
	wait() // init.0: channel
}

func wait() {
	<-done // waits
}
