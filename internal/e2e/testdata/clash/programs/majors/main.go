// Command majors links two major versions of one driver.
package main

import (
	_ "example.com/driver"
	_ "example.com/driver/v3"
)

func main() { println("not reached") }
