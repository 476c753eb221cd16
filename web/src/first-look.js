/** The query that the page begins with: it shows who asks, and that others see less. */
export const FIRST_LOOK = `# Choose a person above, then run this with Ctrl-Enter.
# Then choose another one: each sees what her work needs.

query FirstLook {
  me {
    name
    role
    organisation {
      name
    }
  }
  cases(first: 3) {
    totalCount
    nodes {
      code
      status
      openedOn
      survivor {
        ageBand
        identity {
          ... on SurvivorIdentity {
            firstName
            secondName
          }
          ... on Withheld {
            reason
          }
        }
      }
    }
  }
}
`;
