package providers

import "github.com/roster-go/roster"

const (
	podmanImage  = "go.podman.io/image/v5/"
	distribution = "github.com/distribution/distribution/v3/registry/storage/driver/"
	buildkit     = "github.com/moby/buildkit/client/connhelper"
)

// ImageTransports has the transports of Podman's container image library: what
// stands before the colon of an image's name.
func ImageTransports() roster.Catalogue { return imageTransports.catalogue() }

var imageTransports = listing{
	name:     "image-transports",
	title:    "container image transports",
	owner:    podmanImage + "transports",
	register: []string{registerFunc},
	rows: []row{
		{"dir", podmanImage + "directory", ""},
		{"docker", podmanImage + "docker", ""},
		{"docker-archive", podmanImage + "docker/archive", ""},
		{"docker-daemon", podmanImage + "docker/daemon", ""},
		{"oci", podmanImage + "oci/layout", ""},
		{"oci-archive", podmanImage + "oci/archive", ""},
		{"sif", podmanImage + "sif", ""},
		{"tarball", podmanImage + "tarball", ""},
	},
}

// DistributionDrivers has the storage drivers of the container registry
// Distribution: the names that its configuration holds.
func DistributionDrivers() roster.Catalogue { return distributionDrivers.catalogue() }

var distributionDrivers = listing{
	name:     "distribution-drivers",
	title:    "Distribution storage drivers",
	owner:    distribution + "factory",
	register: []string{registerFunc},
	rows: []row{
		{"azure", distribution + "azure", ""},
		{"filesystem", distribution + "filesystem", ""},
		{"gcs", distribution + "gcs", ""},
		{"inmemory", distribution + "inmemory", forTests},
		{"s3", distribution + "s3-aws", ""},
		{"s3aws", distribution + "s3-aws", "another name of s3"},
	},
}

// BuildKitHelpers has the helpers by which a client of BuildKit reaches its
// daemon: the schemes of the daemon's address.
func BuildKitHelpers() roster.Catalogue { return buildkitHelpers.catalogue() }

var buildkitHelpers = listing{
	name:     "buildkit-helpers",
	title:    "BuildKit connection helpers",
	owner:    buildkit,
	register: []string{registerFunc},
	rows: []row{
		{"docker-container", buildkit + "/dockercontainer", ""},
		{"kube-pod", buildkit + "/kubepod", ""},
		{"nerdctl-container", buildkit + "/nerdctlcontainer", ""},
		{"npipe", buildkit + "/npipe", "works on Windows only"},
		{"podman-container", buildkit + "/podmancontainer", ""},
		{"ssh", buildkit + "/ssh", ""},
	},
}
