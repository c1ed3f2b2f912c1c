/** A module that can't be loaded. */
throw new Error("there is no database")
