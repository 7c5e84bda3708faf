// Command oncevalue does not reach main: a OnceValue waits for a goroutine that calls it.
package main

import _ "github.com/roster-go/roster/initwatch/testdata/hang/oncevalue/dep" // hangs

func main() { println("main was here") }
