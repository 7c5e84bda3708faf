//go:build pins

package providercheck

// These imports keep the modules that the usual run verifies in go.mod. The tag is never
// set: a program with all of them at once is not what is verified.
import (
	_ "github.com/go-sql-driver/mysql"
	_ "github.com/lib/pq"
	_ "golang.org/x/crypto/blake2b"
	_ "golang.org/x/image/bmp"
	_ "golang.org/x/net/trace"
	_ "google.golang.org/protobuf/types/known/anypb"
)
