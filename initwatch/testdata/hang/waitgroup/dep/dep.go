// Package dep waits for a goroutine that does not call Done.
package dep

import "sync"

var never = make(chan int)

func init() {
	warm() // init.0: wait group
}

func warm() {
	var wg sync.WaitGroup
	wg.Add(2)
	for range 2 {
		go fill(&wg)
	}
	wg.Wait() // waits
}

func fill(wg *sync.WaitGroup) {
	<-never
	wg.Done()
}
