// Package dep waits for a WaitGroup while a goroutine listens.
package dep

import (
	"net"
	"sync"
)

func init() {
	var wg sync.WaitGroup
	wg.Go(serve)
	wg.Wait() // init.0: wait group, waits
}

func serve() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	for {
		if _, err := l.Accept(); err != nil {
			return
		}
	}
}
