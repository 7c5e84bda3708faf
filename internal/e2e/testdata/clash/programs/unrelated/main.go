// Command unrelated links two drivers of different authors that claim one name.
package main

import (
	_ "example.com/driver"
	_ "example.com/fastpq"
)

func main() { println("not reached") }
