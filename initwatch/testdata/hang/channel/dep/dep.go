// Package dep waits for a channel, in a helper.
package dep

var done = make(chan int)

func init() {
	wait(done) // init.0: channel
}

func wait(c chan int) {
	<-c // waits
}
