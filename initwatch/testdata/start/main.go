// Command start starts and ends, as many do with os and net in them.
package main

import (
	_ "net" // as most programs do
	"os"
)

func main() { os.Exit(0) }
