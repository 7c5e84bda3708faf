// Package d takes a second to initialise.
package d

import "time"

func init() { time.Sleep(time.Second) }
