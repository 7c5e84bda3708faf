package dep

import (
	"fmt"
	"os"
	"sync"
)

func Start() { loop() }

func loop() { go func() {}() }

func Wait() { <-make(chan int) }

var mu sync.Mutex

func Quiet() { mu.Lock(); defer mu.Unlock() }

// Checked writes a file only on its way to the end of the program.
func Checked(n int) {
	if n > 9 {
		_ = os.WriteFile("crash", nil, 0o600)
		panic(fmt.Sprint(n))
	}
	if n == 5 {
		_ = os.Remove("crash")
	}
}
