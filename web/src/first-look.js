/** The query that the page begins with: it shows who asks, and that others see less. */
export const FIRST_LOOK = `# Choose a person above, then run this.
# Then choose another: each sees
# what her work needs, and no more.
query FirstLook {
  me { name role organisation { name } }
  cases(first: 5) {
    totalCount
    edges {
      node {
        code
        status
        openedOn
        survivor {
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
}
`;
