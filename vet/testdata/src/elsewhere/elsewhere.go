// Package elsewhere registers something on another system.
package elsewhere
