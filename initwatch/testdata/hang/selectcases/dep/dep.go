// Package dep selects among channels that stay empty.
package dep

var first, second = make(chan int), make(chan int)

func init() {
	either() // init.0: select
}

func either() {
	select { // waits
	case <-first:
	case <-second:
	}
}
