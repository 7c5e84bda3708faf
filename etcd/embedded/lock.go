package embedded

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// lockName is the file that a server locks in its data directory, with its process id as
// the content. etcd's own lock makes the second process wait for ever, in silence.
const lockName = "LOCK"

// note writes this process's id into the file it has locked.
func note(file *os.File) error {
	if err := file.Truncate(0); err != nil {
		return fmt.Errorf("empty the lock file: %w", err)
	}
	if _, err := file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0); err != nil {
		return fmt.Errorf("write the lock file: %w", err)
	}
	return nil
}

func holder(file *os.File) int {
	const maxDigits = 20
	text, err := io.ReadAll(io.LimitReader(file, maxDigits))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return pid
}
