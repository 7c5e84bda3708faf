// Package b takes a second to initialise.
package b

import "time"

func init() { time.Sleep(time.Second) }
