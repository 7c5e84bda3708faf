// Package dep waits for a nil channel in a program that contains C.
package dep

// static int one(void) { return 1; }
import "C"

var never chan int

func init() {
	wait(int(C.one())) // init.0: channel
}

func wait(n int) {
	for range n {
		<-never // waits
	}
}
