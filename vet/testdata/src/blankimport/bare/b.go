package bare

import _ "image/png"

const b = 1
