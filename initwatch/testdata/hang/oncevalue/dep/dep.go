// Package dep has a OnceValue that waits for a goroutine, which calls it.
package dep

import "sync"

var client func() int

func init() {
	client = sync.OnceValue(connect)
	use() // init.0: once
}

func use() { client() }

func connect() int {
	result := make(chan int)
	go func() { result <- client() + 1 }()
	return <-result // waits
}
